//! Files that measure or decide, by their paths.

/// What a file is by convention, if it is such a one: `a test`, for instance.
pub(super) fn measures(path: &str) -> Option<&'static str> {
    let lower = path.to_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let of_folder = folders.split('/').find_map(|folder| match folder {
        ".github" | ".gitlab" | ".ci" | ".circleci" | ".buildkite" | ".woodpecker" | "ci" => {
            Some("of the continuous integration")
        }
        ".cargo" | ".config" => Some("a setting of how the program is built or tested"),
        _ => None,
    });
    let of_words = || path.split('/').flat_map(words).find_map(|word| by_word(&word));
    of_folder.or_else(|| by_name(name)).or_else(of_words)
}

fn by_name(name: &str) -> Option<&'static str> {
    match name {
        ".gitlab-ci.yml"
        | ".travis.yml"
        | "jenkinsfile"
        | "azure-pipelines.yml"
        | "appveyor.yml"
        | "codecov.yml"
        | ".codecov.yml"
        | "bors.toml"
        | "cloudbuild.yaml"
        | "buildspec.yml" => Some("of the continuous integration"),
        "conftest.py" | "pytest.ini" | "tox.ini" | "noxfile.py" | ".coveragerc" | "karma.conf.js" | "phpunit.xml" => {
            Some("a setting of the tests")
        }
        "makefile"
        | "gnumakefile"
        | "justfile"
        | "cmakelists.txt"
        | "cmakepresets.json"
        | "meson.build"
        | "meson_options.txt"
        | "build.rs"
        | "build.zig"
        | "setup.py"
        | "setup.cfg"
        | "pom.xml"
        | "build.gradle"
        | "build.gradle.kts"
        | "settings.gradle"
        | "gradle.properties"
        | "build"
        | "build.bazel"
        | "workspace"
        | "module.bazel"
        | ".bazelrc"
        | "buck"
        | "sconstruct"
        | "configure"
        | "configure.ac"
        | "rust-toolchain"
        | "rust-toolchain.toml"
        | "clippy.toml"
        | ".clippy.toml"
        | "rustfmt.toml"
        | ".rustfmt.toml"
        | ".clang-format"
        | ".clang-tidy"
        | ".editorconfig"
        | "tsconfig.json"
        | "babel.config.js"
        | ".babelrc"
        | "webpack.config.js"
        | "vite.config.ts"
        | "vite.config.js"
        | "rollup.config.js"
        | ".eslintrc"
        | ".golangci.yml"
        | ".swcrc"
        | "dockerfile"
        | "containerfile"
        | "docker-compose.yml"
        | "compose.yaml"
        | "flake.nix"
        | "default.nix"
        | ".node-version"
        | ".nvmrc"
        | ".python-version"
        | ".tool-versions" => Some("a setting of how the program is built, checked or run"),
        name => {
            let ends = [".cmake", ".mk", ".bzl", ".gradle", ".dockerfile"].iter().any(|end| name.ends_with(end));
            let of_tests = [".snap", ".golden", ".approved.txt"].iter().any(|end| name.ends_with(end));
            match (ends, of_tests) {
                (true, _) => Some("a setting of how the program is built, checked or run"),
                (_, true) => Some("what a test expects"),
                _ => None,
            }
        }
    }
}

fn by_word(word: &str) -> Option<&'static str> {
    match word {
        "test" | "tests" | "testing" | "unittest" | "unittests" | "testsuite" | "testcase" | "testcases" | "spec"
        | "specs" | "e2e" | "junit" | "pytest" | "doctest" | "rspec" | "cypress" | "playwright" | "jest" | "vitest"
        | "fuzz" => Some("a test"),
        "bench" | "benches" | "benchmark" | "benchmarks" | "benchmarking" | "jmh" | "criterion" | "loadtest"
        | "loadtests" | "perftest" | "perftests" => Some("a benchmark"),
        "fixture" | "fixtures" | "testdata" | "testutil" | "testutils" | "mock" | "mocks" | "snapshot"
        | "snapshots" | "golden" | "goldens" => Some("what a test works with"),
        "metrics" | "telemetry" | "instrumentation" | "profiler" | "profilers" | "profiling" | "stopwatch"
        | "monitoring" | "prometheus" | "grafana" | "opentelemetry" | "otel" | "statsd" | "datadog" | "pyroscope"
        | "alertmanager" | "dashboards" => Some("about measuring"),
        _ => None,
    }
}

/// The words of a name, in lower case and without the numbers at their ends: between marks, and where capitals begin them, as in
/// `cartTest` and `HTTPTest`.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let is_first = before.is_some_and(|before| before.is_lowercase())
            || chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if !c.is_alphanumeric() || c.is_uppercase() && is_first {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_alphanumeric()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.iter().map(|word| word.trim_end_matches(|c: char| c.is_numeric()).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_measures() {
        for path in [
            "tests/cart.rs",
            "src/test/java/CartTest.java",
            "cart_test.go",
            "pkg/test_cart.py",
            "src/cart.spec.ts",
            "spec/cart_spec.rb",
            "web/__tests__/cart.js",
            "benches/cart.rs",
            "src/bench.rs",
            "src/CartBenchmark.java",
            "BENCH/x.c",
            "conftest.py",
            "a/conftest.py",
            "tests/fixtures/cart.json",
            "testdata/x",
            "web/__snapshots__/a.snap",
            ".github/workflows/ci.yml",
            ".ci/run",
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "Makefile",
            "lib/CMakeLists.txt",
            "build.rs",
            ".cargo/config.toml",
            "rust-toolchain.toml",
            "deploy/prometheus.yml",
            "src/metrics.rs",
            "src/metrics/mod.rs",
            "app/Telemetry.cs",
            "Dockerfile",
            "fuzz/targets/a.rs",
            "pom.xml",
            ".config/nextest.toml",
            "cartTest.ts",
            "src/HTTPTest.java",
            "src/IOBenchmark2.cs",
            "tests2/a.c",
            "test1.c",
            "E2E/a.ts",
            "Tests/A.swift",
            ".Cargo/config.toml",
            "a.golden",
        ] {
            assert!(measures(path).is_some(), "{path}");
        }
    }

    #[test]
    fn what_does_not() {
        for path in [
            "src/cart.rs",
            "src/latest.rs",
            "src/contest.py",
            "lib/attestation.go",
            "src/inspect.ts",
            "src/special.rs",
            "src/protest.java",
            "src/workbench.rs",
            "src/timer.rs",
            "src/build_index.rs",
            "src/circle.c",
            "src/HTTPLatest.java",
            "src/ATTEST.c",
            "Cargo.toml",
            "go.mod",
            "src/ci.rs",
            "src/snap.rs",
            "config/app.yaml",
            "src/fastest.cpp",
        ] {
            assert_eq!(measures(path), None, "{path}");
        }
    }
}
