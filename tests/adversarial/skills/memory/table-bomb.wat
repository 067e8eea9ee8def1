;;! about = "Grows a table to a hundred million elements."
;;! ends = "over-budget"
;;! says = "its limit is 16777216"
(table $table 1 funcref)
(func (export "investigate") (param i32) (result i32)
  (drop (table.grow $table (ref.null func) (i32.const 100_000_000)))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
