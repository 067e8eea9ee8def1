//! The vocabulary: domains with their modules and functions, and people.

/// A line of business: what its program's modules and functions are called.
pub(crate) struct Domain {
    /// The program's name.
    pub(crate) name: &'static str,
    /// Names of the service that runs it.
    pub(crate) services: &'static [&'static str],
    /// What its functions handle, in the singular.
    pub(crate) nouns: &'static [&'static str],
    /// Modules with their functions; the first is the entry.
    pub(crate) modules: &'static [(&'static str, &'static [&'static str])],
}

/// Fields that records have.
pub(crate) const FIELDS: &[&str] = &[
    "weight", "amount", "quantity", "rate", "priority", "offset", "length", "score", "price", "age", "ratio", "height",
];

/// Every domain.
pub(crate) const DOMAINS: &[Domain] = &[
    Domain {
        name: "shop",
        services: &["checkout", "checkout-api", "cart-service", "orders", "store_front"],
        nouns: &["line", "order", "basket", "voucher", "parcel"],
        modules: &[
            ("handlers", &["place_order", "view_basket", "quote"]),
            ("cart", &["price", "add_line", "merge_baskets", "count_lines", "recalculate"]),
            ("tax", &["apply_rate", "lookup_zone", "round_amount", "collect_exemptions"]),
            ("discount", &["match_voucher", "best_offer", "stack_rules", "expire"]),
            ("inventory", &["reserve", "load_stock", "index_bins", "release"]),
            ("shipping", &["estimate", "group_parcels", "format_label", "score_carrier"]),
            ("catalog", &["resolve_sku", "find_variants", "render_title", "filter_hidden"]),
            ("payment", &["authorise", "sign_request", "parse_response", "split_amount"]),
            ("receipt", &["render_receipt", "format_money", "sum_totals"]),
            ("fraud", &["score_order", "check_address", "weigh_history"]),
        ],
    },
    Domain {
        name: "finder",
        services: &["search", "search-frontend", "query-engine", "finder", "search_api"],
        nouns: &["document", "term", "query", "posting", "facet"],
        modules: &[
            ("api", &["search", "suggest", "explain_hit"]),
            ("tokenizer", &["tokenize", "fold_case", "split_words", "parse_phrase"]),
            ("analysis", &["stem", "expand_synonyms", "filter_stopwords", "normalise"]),
            ("index", &["lookup_term", "load_segment", "merge_postings", "index_document"]),
            ("ranking", &["score_document", "rank_hits", "weigh_field", "boost_recent"]),
            ("facets", &["group_values", "count_facets", "collect_ranges", "sort_buckets"]),
            ("highlight", &["render_snippet", "match_spans", "format_fragment"]),
            ("spelling", &["score_candidate", "find_neighbours", "parse_correction"]),
            ("cache", &["fetch_entry", "admit", "evict_old"]),
            ("access", &["check_rights", "resolve_groups", "filter_secret"]),
        ],
    },
    Domain {
        name: "feed",
        services: &["timeline", "feed-api", "home_feed", "stories", "newsfeed-ranker"],
        nouns: &["post", "viewer", "edge", "story", "reaction"],
        modules: &[
            ("server", &["load_page", "refresh", "open_story"]),
            ("fanout", &["collect_sources", "merge_streams", "dedupe"]),
            ("ranker", &["score_post", "rank_posts", "weigh_affinity", "blend"]),
            ("features", &["extract", "lookup_embedding", "normalise_counts", "index_features"]),
            ("graph", &["find_friends", "resolve_edges", "count_mutual", "load_neighbours"]),
            ("media", &["resolve_image", "format_card", "estimate_size"]),
            ("privacy", &["check_audience", "filter_blocked", "match_policy"]),
            ("ads", &["pick_slot", "score_bid", "sum_budget", "pace"]),
            ("render", &["render_story", "format_time", "encode_cursor"]),
            ("counters", &["group_reactions", "sum_views", "fetch_counter"]),
        ],
    },
    Domain {
        name: "ledger",
        services: &["billing", "ledger", "invoice-worker", "billing_core", "payouts"],
        nouns: &["entry", "invoice", "account", "plan", "usage"],
        modules: &[
            ("jobs", &["close_period", "issue_invoice", "preview"]),
            ("journal", &["post_entry", "sum_balance", "group_entries", "load_batch"]),
            ("pricing", &["price_usage", "lookup_tier", "apply_minimum", "prorate"]),
            ("currency", &["convert", "round_money", "fetch_rate", "parse_amount"]),
            ("accounts", &["resolve_account", "find_owner", "merge_contacts"]),
            ("credits", &["apply_credit", "expire_credits", "match_promo"]),
            ("rules", &["evaluate", "parse_rule", "weigh_terms", "index_rules"]),
            ("documents", &["render_invoice", "format_row", "encode_pdf"]),
            ("audit", &["collect_trail", "sign_entry", "filter_fields"]),
            ("metering", &["count_events", "bucket_hours", "estimate_total"]),
        ],
    },
    Domain {
        name: "router",
        services: &["dispatch", "routing", "eta-service", "geo_router", "fleet-planner"],
        nouns: &["leg", "route", "vehicle", "stop", "node"],
        modules: &[
            ("rpc", &["plan_route", "match_driver", "update_eta"]),
            ("roads", &["load_tile", "find_edges", "lookup_node", "index_turns"]),
            ("search", &["expand", "relax_edges", "rank_frontier", "rebuild_path"]),
            ("traffic", &["fetch_speeds", "blend_history", "weigh_incident", "smooth"]),
            ("geometry", &["distance", "simplify", "project_point", "encode_polyline"]),
            ("matching", &["score_pair", "collect_candidates", "filter_busy", "assign"]),
            ("pricing", &["quote_fare", "apply_surge", "round_fare"]),
            ("constraints", &["check_capacity", "match_window", "sum_load"]),
            ("itinerary", &["render_steps", "format_instruction", "parse_locale"]),
            ("zones", &["resolve_zone", "group_cells", "count_demand"]),
        ],
    },
    Domain {
        name: "courier",
        services: &["notifications", "messaging", "mail-gateway", "push_worker", "courier"],
        nouns: &["message", "recipient", "layout", "channel", "attachment"],
        modules: &[
            ("gateway", &["accept", "deliver", "preview_message"]),
            ("templates", &["render_body", "parse_placeholders", "load_template", "format_subject"]),
            ("recipients", &["resolve_list", "filter_muted", "merge_aliases", "find_devices"]),
            ("policy", &["check_quota", "match_rule", "score_spam", "weigh_sender"]),
            ("schedule", &["bucket_windows", "pick_slot", "collect_due"]),
            ("transport", &["encode_frame", "sign_payload", "compress", "parse_ack"]),
            ("tracking", &["count_opens", "sum_bounces", "group_events", "fetch_click"]),
            ("locale", &["lookup_text", "format_date", "normalise_name"]),
            ("links", &["rewrite_links", "index_urls", "expand_short"]),
            ("storage", &["fetch_blob", "admit_blob", "estimate_blob"]),
        ],
    },
];

/// People: name and the local part of their address.
pub(crate) const PEOPLE: &[(&str, &str)] = &[
    ("Ada Okafor", "ada"),
    ("Bruno Keller", "bkeller"),
    ("Chiara Rossi", "chiara.rossi"),
    ("Dmitri Volkov", "dvolkov"),
    ("Elif Yıldız", "elif"),
    ("Farid Haddad", "farid"),
    ("Grace Liu", "graceliu"),
    ("Hiroshi Tanaka", "htanaka"),
    ("Ines Carvalho", "ines.c"),
    ("Jonas Bäcker", "jonas"),
    ("Kwame Mensah", "kwame"),
    ("Lucía Fernández", "lucia.f"),
    ("Mira Novak", "mnovak"),
    ("Noor van Dijk", "noor"),
    ("Oskar Lindqvist", "oskar"),
    ("Priya Raman", "priya"),
    ("Quentin Moreau", "qmoreau"),
    ("Rosa Jiménez", "rosa"),
    ("Sean O'Brien", "sobrien"),
    ("李雷", "lilei"),
    ("Tomás Silva", "tsilva"),
    ("Una Byrne", "una"),
    ("Wanjiru Kamau", "wanjiru"),
    ("Yusuf Demir", "yusuf"),
];

/// Names of other services round about.
pub(crate) const NEIGHBOURS: &[&str] = &[
    "auth",
    "gateway",
    "users",
    "edge-proxy",
    "profile-store",
    "pricing",
    "geo",
    "flags",
    "assets",
    "audit-log",
    "sessions",
    "kv",
    "web",
    "mobile-bff",
    "recommendations",
];

/// A noun's plural, good enough for variable names.
pub(crate) fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !noun.ends_with("ey") => format!("{stem}ies"),
        _ if noun.ends_with('x') || noun.ends_with('s') => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// `apply_rate` as `ApplyRate`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('_').map(capital).collect()
}

/// `apply_rate` as `applyRate`.
pub(crate) fn camel(name: &str) -> String {
    let whole = pascal(name);
    let mut letters = whole.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A word with a capital first letter.
pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
