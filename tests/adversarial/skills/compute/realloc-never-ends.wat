;;! about = "Computes for ever where the host asks it for memory to pass the case in."
;;! limits = 'compute = "50ms"'
;;! ends = "timeout"
;;! says = "it computed for longer than 50ms"
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (loop (br 0))
  unreachable)
