;;! about = "Imports a core module and a function without an interface."
;;! ends = "refused"
;;! says = "`libc`"
(component
  (import "libc" (core module))
  (import "system" (func (param "command" string))))
