;;! about = "Returns a text that is outside of its memory."
;;! ends = "trap"
;;! says = "out of bounds"
(func (export "investigate") (param i32) (result i32)
  (call $note (i32.const 0xfffffff0) (i32.const 0x100) (f64.const 1)))
