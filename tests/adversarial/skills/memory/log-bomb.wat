;;! about = "Logs a line of twelve megabytes, again and again."
;;! limits = 'compute = "200ms"'
;;! ends = "timeout"
;;! says = "it computed for longer than 200ms"
(import "negawatt:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(memory (export "memory") 200)
(func (export "investigate") (param i32) (result i32)
  (loop
    (call $log (i32.const 1) (i32.const 65536) (i32.const 12_000_000))
    (br 0))
  unreachable)
