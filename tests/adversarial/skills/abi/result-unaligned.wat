;;! about = "Returns an address that is not aligned."
;;! ends = "trap"
;;! says = "aligned"
(func (export "investigate") (param i32) (result i32)
  (i32.const 515))
