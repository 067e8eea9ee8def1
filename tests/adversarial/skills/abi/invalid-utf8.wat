;;! about = "Returns a note that is not UTF-8, through raw memory."
;;! ends = "trap"
;;! says = "utf-8"
(data (i32.const 16) "\ff\fe\80")
(func (export "investigate") (param i32) (result i32)
  (call $note (i32.const 16) (i32.const 3) (f64.const 1)))
