;;! about = "Imports a language model and other servers' tools that nobody granted."
;;! granted = false
;;! ends = "denied"
;;! says = "it imports model, mcp, which nobody granted it"
(import "negawatt:skill/model@0.1.0" "complete" (func $complete (param i32 i32 i32 i32 i32 i32)))
(import "negawatt:skill/mcp@0.1.0" "call" (func $call (param i32 i32 i32 i32 i32 i32 i32)))
(func (export "investigate") (param i32) (result i32)
  (call $complete (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 800))
  (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 800))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
