;;! about = "Answers, and traps in the function that frees the answer."
;;! ends = "trap"
;;! says = "unreachable"
(func (export "cabi_post_investigate") (param i32)
  unreachable)
