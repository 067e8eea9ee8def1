;;! about = "Logs an empty line for ever: most of its time passes in the host."
;;! limits = 'compute = "100ms"'
;;! ends = "timeout"
;;! says = "it computed for longer than 100ms"
(import "negawatt:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(func (export "investigate") (param i32) (result i32)
  (loop
    (call $log (i32.const 1) (i32.const 0) (i32.const 0))
    (br 0))
  unreachable)
