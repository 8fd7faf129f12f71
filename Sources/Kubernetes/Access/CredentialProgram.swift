// SPDX-License-Identifier: Apache-2.0

/// A program that gives credentials (client-go's "exec plugin").
package struct CredentialProgram: Sendable {
}
struct CredentialProgramRun {
    init(_ p: CredentialProgram) {}
    func credential() async throws(KubernetesError) -> ShownCredential { throw .unfinished }
}
extension KubernetesError {
    static let unfinished = KubernetesError(.invalid, what: "Not written yet")
}
