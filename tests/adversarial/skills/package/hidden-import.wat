;;! about = "Says that it needs no tools and imports one."
;;! claims = ""
;;! granted = false
;;! ends = "denied"
;;! says = "it imports topology, which nobody granted it"
(import "negawatt:skill/topology@0.1.0" "edges" (func $edges (param i32 i32 i32 i32)))
(func (export "investigate") (param i32) (result i32)
  (call $edges (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 800))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
