;;! about = "Calls itself until the stack is full."
;;! ends = "trap"
;;! says = "stack"
(func $again (export "investigate") (param i32) (result i32)
  (i32.add (call $again (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
