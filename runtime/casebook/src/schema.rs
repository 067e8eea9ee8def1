//! The tables, and how older casebooks become new ones.

use negawatt_store::Schema;

/// A casebook: `ngwt`.
pub(crate) const CASEBOOK: Schema = Schema {
    file: "casebook.sqlite",
    what: "a casebook",
    application: 0x6e67_7774,
    migrations: &[SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5, SCHEMA_6],
};

/// - `case_index` only says where to look; what is known of a case is in its events. `number` is the order of opening.
/// - `event.digest` is over the whole row, so damage that SQLite does not see is seen.
/// - `blob` is zstd; `digest` and `size` are of what it holds, `time` is that of its first use. By tenant, so that nobody learns what another one has asked.
/// - `lease.token` grows with every owner and outlives them all: who comes with an older one is fenced off.
const SCHEMA_1: &str = "
CREATE TABLE case_index (
    number       INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    tenant       TEXT    NOT NULL DEFAULT 'default',
    fingerprint  TEXT    NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    ended        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX case_by_tenant ON case_index (tenant, number);
CREATE INDEX case_by_fingerprint ON case_index (tenant, fingerprint, number);

CREATE TABLE event (
    case_id TEXT    NOT NULL REFERENCES case_index (id),
    seq     INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    tenant  TEXT    NOT NULL DEFAULT 'default',
    time    INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    digest  BLOB    NOT NULL,
    PRIMARY KEY (case_id, seq)
) STRICT;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE blob (
    tenant TEXT    NOT NULL DEFAULT 'default',
    digest BLOB    NOT NULL,
    size   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT;

CREATE TABLE lease (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    token   INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    host    TEXT    NOT NULL,
    machine TEXT    NOT NULL,
    pid     INTEGER NOT NULL,
    started INTEGER NOT NULL
) STRICT;
";

/// - `standing` is of components, by the digest of their bytes: how often they failed in a row, and since when they are put aside.
const SCHEMA_2: &str = "
CREATE TABLE standing (
    tenant   TEXT    NOT NULL DEFAULT 'default',
    digest   BLOB    NOT NULL,
    skill    TEXT    NOT NULL,
    failures INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    since    INTEGER,
    PRIMARY KEY (tenant, digest)
) STRICT;
";

/// - `watched` is of series, by their names: the time of the last observation that was looked at.
/// - `symptomatic` only says which cases have symptoms, and when the newest of their changes was; the rest is in their events.
const SCHEMA_3: &str = "
CREATE TABLE watched (
    tenant TEXT    NOT NULL DEFAULT 'default',
    series BLOB    NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE symptomatic (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    newest  INTEGER NOT NULL
) STRICT;
CREATE INDEX symptomatic_by_newest ON symptomatic (tenant, newest);
";

/// - `proposing` only says which cases have proposals, and whether one may still move; the rest is in their events.
/// - `stood` is of components, by the digest of their bytes, and cases: whether what one said in the other stood.
/// - `resolved` is of cases of which it is known what became; `resolved_words` finds them by any of their words.
const SCHEMA_4: &str = "
CREATE TABLE proposing (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    open    INTEGER NOT NULL
) STRICT;
CREATE INDEX proposing_by_tenant ON proposing (tenant, open, case_id);

CREATE TABLE stood (
    tenant  TEXT    NOT NULL DEFAULT 'default',
    digest  BLOB    NOT NULL,
    case_id TEXT    NOT NULL REFERENCES case_index (id),
    skill   TEXT    NOT NULL,
    time    INTEGER NOT NULL,
    share   REAL    NOT NULL,
    PRIMARY KEY (tenant, digest, case_id)
) STRICT;

CREATE TABLE resolved (
    case_id   TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant    TEXT    NOT NULL DEFAULT 'default',
    kind      TEXT    NOT NULL,
    functions TEXT    NOT NULL,
    languages TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    summary   TEXT    NOT NULL,
    strategy  TEXT,
    outcome   TEXT    NOT NULL,
    time      INTEGER NOT NULL
) STRICT;
CREATE VIRTUAL TABLE resolved_words USING fts5 (
    case_id UNINDEXED, tenant UNINDEXED, words, tokenize = \"unicode61 tokenchars '_'\"
);
";

/// - `resolved.tried` and `resolved.said` are JSON. Of cases that were resolved before nobody knows here what they were about, nor what was said,
///   and of strategies that were tried the one in `resolved.strategy`, which is written no more.
const SCHEMA_5: &str = "
ALTER TABLE resolved ADD COLUMN service TEXT NOT NULL DEFAULT '';
ALTER TABLE resolved ADD COLUMN strategies TEXT NOT NULL DEFAULT '';
ALTER TABLE resolved ADD COLUMN tried TEXT NOT NULL DEFAULT '[]';
ALTER TABLE resolved ADD COLUMN said TEXT NOT NULL DEFAULT '[]';
";

/// - `imported` is of cases that came from elsewhere, wholly or in part: how many of their events did. Nobody works on one that is open until
///   somebody asks for it, which makes it `claimed`.
const SCHEMA_6: &str = "
CREATE TABLE imported (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    events  INTEGER NOT NULL,
    claimed INTEGER NOT NULL
) STRICT;
";
