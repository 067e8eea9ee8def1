;;! about = "Computes for ever."
;;! limits = 'compute = "50ms"'
;;! ends = "timeout"
;;! says = "it computed for longer than 50ms"
(func (export "investigate") (param i32) (result i32)
  (loop (br 0))
  unreachable)
