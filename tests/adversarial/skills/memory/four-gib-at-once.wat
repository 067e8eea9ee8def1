;;! about = "Asks for 4 GiB in one allocation."
;;! ends = "over-budget"
;;! says = "its limit is 16777216"
(func (export "investigate") (param i32) (result i32)
  (drop (memory.grow (i32.const 65535)))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
