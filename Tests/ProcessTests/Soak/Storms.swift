// SPDX-License-Identifier: Apache-2.0

/// What servers may do for a while in a soak. SEED is a number that is drawn, SILENCE a time in seconds.
enum Storms {
    /// What a store does, as Tests/Tools/faulty_s3/faults.py has it.
    static let store = [
        "[]",
        #"[{"probability": 0.1, "seed": SEED, "status": 503, "code": "SlowDown"}]"#,
        #"[{"probability": 0.1, "seed": SEED, "status": 500, "code": "InternalError"}]"#,
        #"[{"probability": 0.08, "seed": SEED, "method": "PUT", "committed": true, "reset": true}]"#,
        #"[{"probability": 0.1, "seed": SEED, "reset": true}]"#,
        #"[{"probability": 0.2, "seed": SEED, "operation": "GetObject", "cut": 100}]"#,
        #"[{"probability": 0.05, "seed": SEED, "operation": "GetObject", "flip": 3}]"#,
        #"[{"probability": 0.1, "seed": SEED, "operation": "PutObject", "flip_sent": 3}]"#,
        #"[{"probability": 0.2, "seed": SEED, "delay": 0.5}]"#,
    ]

    /// What an API server does, as Tests/Tools/fake_kubernetes/faults.py has it.
    static let server = [
        "[]",
        #"[{"probability": 0.2, "seed": SEED, "status": 500, "reason": "InternalError"}]"#,
        #"[{"probability": 0.2, "seed": SEED, "status": 503}]"#,
        #"[{"probability": 0.2, "seed": SEED, "reset": true}]"#,
        #"[{"reset": true}]"#,
        """
        [{"probability": 0.3, "seed": SEED, "status": 429, "reason": "TooManyRequests",
          "headers": {"Retry-After": "1"}}]
        """,
        """
        [{"method": "POST", "probability": 0.5, "seed": SEED, "status": 409, "reason": "Conflict"}]
        """,
        #"[{"method": "POST", "probability": 0.5, "seed": SEED, "committed": true, "status": 500}]"#,
        #"[{"method": "POST", "probability": 0.5, "seed": SEED, "committed": true, "reset": true}]"#,
        #"[{"path": "watch=true", "silent": SILENCE}]"#,
        #"[{"path": "watch=true", "status": 410, "reason": "Expired", "times": 4}]"#,
        #"[{"path": "watch=true", "events": "expired", "times": 4}]"#,
        #"[{"path": "watch=true", "status": 401, "reason": "Unauthorized", "times": 2}]"#,
        #"[{"path": "watch=true", "cut": 1, "probability": 0.5, "seed": SEED}]"#,
        #"[{"path": "watch=true", "events": "duplicate"}]"#,
        #"[{"path": "watch=true", "events": "reorder"}]"#,
        #"[{"path": "watch=true", "events": "stale"}]"#,
        #"[{"path": "/(jobs|pods)[?]", "items": "none", "times": 2}]"#,
    ]
}
