;;! about = "Calls the host after it has answered."
;;! ends = "trap"
;;! says = "cannot leave"
(import "negawatt:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(func (export "cabi_post_investigate") (param i32)
  (call $log (i32.const 1) (i32.const 0) (i32.const 0)))
