// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Runs `body`, which only handles names, and makes its error one of staging.
package func naming<Value>(_ body: () throws(NameError) -> Value) throws(StagingError) -> Value {
    do throws(NameError) {
        return try body()
    } catch {
        throw .name(error)
    }
}

/// Runs `body`, which only reads or writes documents, and makes its error one of staging.
package func documents<Value>(
    _ body: () throws(ContractError) -> Value
) throws(StagingError) -> Value {
    do throws(ContractError) {
        return try body()
    } catch {
        throw .document(error)
    }
}
