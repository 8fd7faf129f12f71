// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Yams

extension ConfigProblem {
    /// What the YAML parser has found in a file.
    init(
        _ error: YamlError,
        in file: String
    ) {
        func at(_ mark: Mark) -> ConfigEntry.Origin {
            .file(file, line: mark.line, column: mark.column)
        }
        let correct = "Correct the YAML here or just above."
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            self.init(at: at(mark), what: "this is not YAML: \(problem.logSafe)", remedy: correct)
        case .composer(_, let problem, let mark, _):
            self.init(
                at: at(mark),
                what: problem.logSafe,
                remedy: "Write the value out; aliases are not used here."
            )
        case .duplicatedKeysInMapping(let names, let context):
            let shown = names.map(ConfigValues.shown).joined(separator: ", ")
            self.init(
                at: at(context.mark),
                what: "\(shown) is written twice",
                remedy: "Delete one of them."
            )
        default:
            self.init(
                place: file,
                what: "the YAML parser gave up: \("\(error)".logSafe)",
                remedy: correct
            )
        }
    }
}
