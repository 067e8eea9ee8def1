//! Who may do what with a server: tokens with roles, and a log of all that was written, chained by hash.
