;;! about = "Declares a memory that has 4 GiB from the start."
;;! ends = "refused"
;;! says = "memory"
(memory (export "memory") 65536)
