;;! about = "Returns a text so long that its end is before its beginning."
;;! ends = "trap"
;;! says = "out of bounds"
(func (export "investigate") (param i32) (result i32)
  (call $note (i32.const 16) (i32.const 0xffffffff) (f64.const 1)))
