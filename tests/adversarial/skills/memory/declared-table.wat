;;! about = "Declares a table of a hundred million elements."
;;! ends = "refused"
;;! says = "table"
(table 100_000_000 funcref)
