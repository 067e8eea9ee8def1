;;! about = "Computes for ever where instructions are counted."
;;! limits = 'fuel = 1_000_000'
;;! ends = "over-budget"
;;! says = "1000000 units of fuel"
(func (export "investigate") (param i32) (result i32)
  (loop (br 0))
  unreachable)
