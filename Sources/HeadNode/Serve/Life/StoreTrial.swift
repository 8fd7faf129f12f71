// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client

/// Finds out, for a process that serves, whether its store may be used at all: one that ignores
/// conditions may not. One that cannot say now is no reason not to begin, because runs wait for it; it
/// is asked again.
struct StoreTrial: Sendable {
    enum Finding: Sendable {
        case fit
        case unfit(HeadError)
        case unknown(why: String)
    }

    /// How many seconds an answer may take.
    private static let patience = 5.0
    static let policy = RetryPolicy(
        attempts: 3,
        time: .seconds(patience),
        whenBudgetIsEmpty: .fail
    )

    private let trial: ConditionalPutTrial
    /// How long it is before the store is asked again.
    private let pause: Duration

    init(
        store: any ObjectStore,
        key: ObjectKey,
        pause: Duration = .seconds(30)
    ) {
        trial = ConditionalPutTrial(store: store, key: key)
        self.pause = pause
    }

    func ask() async -> Finding {
        let found = await within(Self.patience) { () async -> Result<String?, S3Error> in
            do throws(S3Error) { return .success(try await trial.inTurn()) } catch {
                return .failure(error)
            }
        }
        switch found {
        case .success(nil): return .fit
        case .success(let wrong?):
            return .unfit(.unconditional(wrong, trial.store.url(of: trial.key)))
        case .failure(let error): return .unknown(why: error.line)
        case nil: return .unknown(why: "It has not answered for \(Int(Self.patience)) seconds.")
        }
    }

    /// Asks until it is known, or the task is cancelled.
    ///
    /// - Returns: why the store must not be used, if so.
    func askAgain() async -> HeadError? {
        while (try? await Task.sleep(for: pause)) != nil {
            switch await ask() {
            case .fit: return nil
            case .unfit(let error): return error
            case .unknown: continue
            }
        }
        return nil
    }
}
