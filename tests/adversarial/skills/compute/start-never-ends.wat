;;! about = "Has a start function that never ends, so that it computes before it is called."
;;! limits = 'compute = "50ms"'
;;! ends = "timeout"
;;! says = "it computed for longer than 50ms"
(func $start
  (loop (br 0)))
(start $start)
