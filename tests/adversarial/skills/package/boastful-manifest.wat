;;! about = "Says that it needs every tool and imports none: it gets none."
;;! claims = "metrics profiles changes configs code model mcp"
;;! granted = false
;;! ends = "ok"
;;! says = ""
