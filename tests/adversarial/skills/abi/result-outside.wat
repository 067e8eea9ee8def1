;;! about = "Returns an address outside of its memory."
;;! ends = "trap"
;;! says = "out of bounds"
(func (export "investigate") (param i32) (result i32)
  (i32.const 0xfffffff0))
