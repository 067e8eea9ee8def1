;;! about = "Logs a surrogate, which UTF-8 does not have."
;;! ends = "trap"
;;! says = "utf-8"
(import "negawatt:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 16) "\ed\a0\80")
(func (export "investigate") (param i32) (result i32)
  (call $log (i32.const 1) (i32.const 16) (i32.const 3))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
