;;! about = "Returns a finding of a kind that does not exist."
;;! ends = "trap"
;;! says = "discriminant"
(func (export "investigate") (param i32) (result i32)
  (drop (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
  (i32.store8 (i32.const 528) (i32.const 200))
  (i32.const 512))
