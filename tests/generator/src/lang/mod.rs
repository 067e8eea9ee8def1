//! The languages that a program can be written in: names of files and frames. Text is made in the modules below.

mod expr;
pub(crate) mod file;
mod stmt;

use crate::program::{Module, Program};
use crate::words::{camel, pascal};

/// A programming language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Java.
    Java,
    /// C++.
    Cpp,
}

/// What a library does on behalf of a function; these frames are below the program's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Leaf {
    /// Compiling a pattern.
    Pattern,
    /// Encoding as JSON.
    Encode,
    /// Formatting text.
    Format,
    /// Copying a collection.
    Copy,
    /// Sorting.
    Sort,
    /// Looking up in a map.
    Hash,
    /// Allocating memory.
    Alloc,
}

impl Leaf {
    /// Every kind.
    pub(crate) const ALL: [Leaf; 7] =
        [Leaf::Pattern, Leaf::Encode, Leaf::Format, Leaf::Copy, Leaf::Sort, Leaf::Hash, Leaf::Alloc];
}

impl Language {
    /// Every language.
    pub(crate) const ALL: [Language; 5] =
        [Language::Rust, Language::Python, Language::Go, Language::Java, Language::Cpp];

    /// What starts a comment.
    pub(crate) fn comment(self) -> &'static str {
        if self == Language::Python { "#" } else { "//" }
    }

    /// A function's name in this language's habit.
    pub(crate) fn function(self, name: &str) -> String {
        match self {
            Language::Go => pascal(name),
            Language::Java => camel(name),
            _ => name.to_owned(),
        }
    }

    /// The path of a module's file.
    pub(crate) fn path(self, program: &Program, module: &Module) -> String {
        let (app, name) = (program.domain().name, &module.name);
        let nested = module.layout.nested;
        match self {
            Language::Rust if nested => format!("src/{name}/mod.rs"),
            Language::Rust => format!("src/{name}.rs"),
            Language::Python if nested => format!("{app}/{name}/__init__.py"),
            Language::Python => format!("{app}/{name}.py"),
            Language::Go if program.dialect == 0 && nested => format!("cmd/{app}/{name}.go"),
            Language::Go if program.dialect == 0 => format!("{name}.go"),
            Language::Go if nested => format!("internal/{name}/service.go"),
            Language::Go => format!("internal/{name}/{name}.go"),
            Language::Java if program.dialect == 0 => {
                format!("src/main/java/com/acme/{app}/{name}/{}.java", class_file(module))
            }
            Language::Java => format!("{app}-core/src/main/java/com/acme/{name}/{}.java", class_file(module)),
            Language::Cpp if nested => format!("src/{name}/{name}.cpp"),
            Language::Cpp => format!("src/{name}.cpp"),
        }
    }

    /// The path of a module's tests.
    pub(crate) fn test_path(self, program: &Program, module: &Module) -> String {
        let name = &module.name;
        match self {
            Language::Rust => format!("tests/{name}.rs"),
            Language::Python => format!("tests/test_{name}.py"),
            Language::Go if program.dialect == 0 => format!("{name}_test.go"),
            Language::Go => format!("internal/{name}/{name}_test.go"),
            Language::Java => format!("src/test/java/com/acme/{name}/{}Test.java", pascal(name)),
            Language::Cpp => format!("test/{name}_test.cpp"),
        }
    }

    /// The frame of a function.
    pub(crate) fn frame(self, program: &Program, module: &Module, function: &str) -> String {
        let (app, name, dialect) = (program.domain().name, &module.name, program.dialect);
        let function = self.function(function);
        match (self, &module.class) {
            (Language::Rust, Some(class)) if dialect == 0 => format!("{app}::{name}::{class}::{function}"),
            (Language::Rust, None) if dialect == 0 => format!("{app}::{name}::{function}"),
            (Language::Rust, Some(class)) => format!("{name}::{class}::{function}"),
            (Language::Rust, None) => format!("{name}::{function}"),
            (Language::Python, _) if dialect == 1 => format!("{function} ({})", self.path(program, module)),
            (Language::Python, Some(class)) => format!("{app}.{name}.{class}.{function}"),
            (Language::Python, None) => format!("{app}.{name}.{function}"),
            (Language::Go, Some(class)) if dialect == 0 => format!("main.(*{class}).{function}"),
            (Language::Go, None) if dialect == 0 => format!("main.{function}"),
            (Language::Go, Some(class)) => format!("github.com/acme/{app}/internal/{name}.(*{class}).{function}"),
            (Language::Go, None) => format!("github.com/acme/{app}/internal/{name}.{function}"),
            (Language::Java, _) if dialect == 0 => format!("com.acme.{app}.{name}.{}.{function}", class_file(module)),
            (Language::Java, _) => format!("com.acme.{name}.{}.{function}", class_file(module)),
            (Language::Cpp, Some(class)) => format!("{app}::{class}::{function}{}", arguments(dialect)),
            (Language::Cpp, None) => format!("{app}::{name}::{function}{}", arguments(dialect)),
        }
    }

    /// Frames above the program's own.
    pub(crate) fn roots(self) -> &'static [&'static [&'static str]] {
        match self {
            Language::Rust => {
                &[&["tokio::runtime::task::raw::poll", "hyper::proto::h1::dispatch::Dispatcher::poll_loop"]]
            }
            Language::Python => {
                &[&["_bootstrap (threading.py)", "run (concurrent/futures/thread.py)", "wsgi_app (flask/app.py)"]]
            }
            Language::Go => &[&["net/http.(*conn).serve", "net/http.HandlerFunc.ServeHTTP"]],
            Language::Java => &[&["java.lang.Thread.run", "org.eclipse.jetty.server.Server.handle"]],
            Language::Cpp => &[&["__libc_start_main", "main", "grpc::Server::HandleRpcs"]],
        }
    }

    /// Stacks that have nothing to do with requests.
    pub(crate) fn background(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &["tokio::runtime::time::Driver::park", "[kernel];epoll_wait"],
            Language::Python => &["_bootstrap (threading.py);_report (metrics.py)", "[kernel];futex_wait"],
            Language::Go => {
                &["runtime.gcBgMarkWorker;runtime.gcDrain;runtime.scanobject", "runtime.mcall;runtime.schedule"]
            }
            Language::Java => {
                &["G1ParTask::work;G1ParEvacuateFollowersClosure::do_void", "CompileBroker::compiler_thread_loop"]
            }
            Language::Cpp => &["[kernel];do_syscall_64;__x64_sys_epoll_wait", "jemalloc::background_thread"],
        }
    }

    /// The frame of a library.
    pub(crate) fn leaf(self, leaf: Leaf) -> &'static str {
        use Leaf::{Alloc, Copy, Encode, Format, Hash, Pattern, Sort};
        match (self, leaf) {
            (Language::Rust, Pattern) => "regex::regex::string::Regex::new",
            (Language::Rust, Encode) => "serde_json::ser::to_string",
            (Language::Rust, Format) => "core::fmt::write",
            (Language::Rust, Copy) => "<alloc::vec::Vec<T> as core::clone::Clone>::clone",
            (Language::Rust, Sort) => "core::slice::sort::stable::driftsort_main",
            (Language::Rust, Hash) => "hashbrown::map::HashMap<K,V,S,A>::get",
            (Language::Rust, Alloc) => "__rust_alloc",
            (Language::Python, Pattern) => "compile (re.py)",
            (Language::Python, Encode) => "encode (json/encoder.py)",
            (Language::Python, Format) => "format (logging/__init__.py)",
            (Language::Python, Copy) => "deepcopy (copy.py)",
            (Language::Python, Sort) => "sorted (<built-in>)",
            (Language::Python, Hash) => "get (<built-in>)",
            (Language::Python, Alloc) => "PyObject_Malloc",
            (Language::Go, Pattern) => "regexp.compile",
            (Language::Go, Encode) => "encoding/json.Marshal",
            (Language::Go, Format) => "fmt.Sprintf",
            (Language::Go, Copy) => "runtime.growslice",
            (Language::Go, Sort) => "sort.Slice",
            (Language::Go, Hash) => "runtime.mapaccess2_faststr",
            (Language::Go, Alloc) => "runtime.mallocgc",
            (Language::Java, Pattern) => "java.util.regex.Pattern.compile",
            (Language::Java, Encode) => "com.fasterxml.jackson.databind.ObjectMapper.writeValueAsString",
            (Language::Java, Format) => "java.util.Formatter.format",
            (Language::Java, Copy) => "java.util.ArrayList.<init>",
            (Language::Java, Sort) => "java.util.TimSort.sort",
            (Language::Java, Hash) => "java.util.HashMap.getNode",
            (Language::Java, Alloc) => "java.util.Arrays.copyOf",
            (Language::Cpp, Pattern) => "std::__detail::_Compiler<std::regex_traits<char> >::_Compiler",
            (Language::Cpp, Encode) => "nlohmann::json::dump(int, char, bool) const",
            (Language::Cpp, Format) => "fmt::v10::vformat",
            (Language::Cpp, Copy) => "std::vector<Item, std::allocator<Item> >::vector",
            (Language::Cpp, Sort) => "std::__introsort_loop",
            (Language::Cpp, Hash) => "absl::container_internal::raw_hash_set::find",
            (Language::Cpp, Alloc) => "operator new(unsigned long)",
        }
    }
}

/// The class that a module's file is named after.
fn class_file(module: &Module) -> String {
    module.class.clone().unwrap_or_else(|| pascal(&module.name))
}

/// Arguments in a C++ frame, which some profilers write.
fn arguments(dialect: usize) -> &'static str {
    if dialect == 1 { "(Request const&)" } else { "" }
}
