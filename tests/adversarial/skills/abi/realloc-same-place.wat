;;! about = "Gives the host the same memory every time: it spoils what it is told itself, and nothing else."
;;! ends = "ok"
;;! says = ""
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (i32.const 1024))
