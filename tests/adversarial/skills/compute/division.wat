;;! about = "Divides by zero."
;;! ends = "trap"
;;! says = "divide by zero"
(func (export "investigate") (param i32) (result i32)
  (i32.div_u (i32.const 1) (i32.const 0)))
