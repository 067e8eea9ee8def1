//! Skills and investigations for any client of the Model Context Protocol.
