// SPDX-License-Identifier: Apache-2.0

import Contract

/// What a run has cost, as Galaxy's job metrics have it: one flat object of numbers, each named with
/// its unit. What is not known is not there. docs/galaxy.md explains each. A pure value.
struct JobFigures: Encodable, Equatable {
    /// Tries, the one that counts among them.
    let tries: Int
    let toolSeconds: Double?
    let cpuSeconds: Double?
    let peakMemoryBytes: Int64?
    let stageSeconds: Double?
    let stageBytes: Int64?
    let fetchSeconds: Double?
    let fetchBytes: Int64?
    let fetchCachedBytes: Int64?
    let pushSeconds: Double?
    let pushBytes: Int64?
    let collectSeconds: Double?

    init(
        _ state: RunState,
        _ ending: RunEnding
    ) {
        let phases = [state.stage].compactMap(\.self) + ending.phases
        func phase(_ name: String) -> PhaseReport? { phases.first { $0.name == name } }
        tries = state.tries.count
        toolSeconds = phase("tool")?.seconds.toTheMillisecond
        // Of a run that nobody has reported on, nothing was measured.
        cpuSeconds = ending.phases.isEmpty ? nil : ending.cpuSeconds.toTheMillisecond
        peakMemoryBytes = ending.phases.isEmpty ? nil : ending.peakResidentBytes
        stageSeconds = phase("stage")?.seconds.toTheMillisecond
        stageBytes = phase("stage")?.bytes
        fetchSeconds = phase("fetch")?.seconds.toTheMillisecond
        fetchBytes = phase("fetch")?.bytes
        fetchCachedBytes = phase("fetch")?.cachedBytes
        pushSeconds = phase("push")?.seconds.toTheMillisecond
        pushBytes = phase("push")?.bytes
        collectSeconds = phase("collect")?.seconds.toTheMillisecond
    }

    private enum CodingKeys: String, CodingKey {
        case tries
        case toolSeconds = "tool_seconds"
        case cpuSeconds = "cpu_seconds"
        case peakMemoryBytes = "peak_memory_bytes"
        case stageSeconds = "stage_seconds"
        case stageBytes = "stage_bytes"
        case fetchSeconds = "fetch_seconds"
        case fetchBytes = "fetch_bytes"
        case fetchCachedBytes = "fetch_cached_bytes"
        case pushSeconds = "push_seconds"
        case pushBytes = "push_bytes"
        case collectSeconds = "collect_seconds"
    }
}

extension Double {
    /// Rounded; anything that is no number, or would be none, is 0.
    var toTheMillisecond: Double {
        let rounded = (self * 1000).rounded() / 1000
        return rounded.isFinite ? rounded : 0
    }
}
