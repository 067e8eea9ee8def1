;;! about = "Exports an `investigate` that takes and returns nothing."
;;! ends = "refused"
;;! says = "it is not a skill"
(component
  (core module $module (func (export "f")))
  (core instance $instance (instantiate $module))
  (func (export "investigate") (canon lift (core func $instance "f"))))
