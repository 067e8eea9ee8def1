;;! about = "Traps in its start function."
;;! ends = "trap"
;;! says = "unreachable"
(func $start
  unreachable)
(start $start)
