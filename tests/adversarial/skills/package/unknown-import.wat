;;! about = "Imports an interface that the host does not have."
;;! ends = "refused"
;;! says = "acme:backdoor/shell@1.0.0"
(component
  (import "acme:backdoor/shell@1.0.0" (instance (export "run" (func (param "command" string))))))
