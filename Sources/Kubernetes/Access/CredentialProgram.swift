// SPDX-License-Identifier: Apache-2.0

/// A program that gives credentials: an "exec plugin" (client.authentication.k8s.io, v1 or v1beta1).
package struct CredentialProgram: Sendable, Equatable {
    /// What the program is to speak.
    let apiVersion: String
    /// A name that is looked up in PATH, or a path.
    let command: String
    let arguments: [String]
    /// Beside our own environment, which the program inherits.
    let environment: [String: String]
    /// JSON for KUBERNETES_EXEC_INFO.
    let execInfo: String
    /// What the administrator wrote for whoever lacks the program.
    let installHint: String
    /// Where it is configured, for messages.
    let place: String
    /// After that long it is ended.
    var timeLimit: Duration = .seconds(60)
}

extension CredentialProgram {
    private static let versions = [
        "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1",
    ]

    /// - Parameter program: `users[n].user.exec` of a kubeconfig.
    init(_ program: KubeconfigValue, cluster: KubeconfigCluster) throws(KubernetesError) {
        let version = try program["apiVersion"]
        apiVersion = try version.required()
        guard Self.versions.contains(apiVersion) else {
            throw version.wrong(
                "we speak \(Self.versions.joined(separator: " and ")) alone",
                remedy: "Write one of them, if the program speaks it."
            )
        }
        // We never have a terminal for it, whatever it is content with.
        let mode = try program["interactiveMode"]
        switch try mode.text() {
        case nil, "Never", "IfAvailable": break
        default:
            throw mode.wrong(
                "there is nobody who could type",
                remedy: "Use a program that asks nothing, and Never or IfAvailable here."
            )
        }
        let command = try program["command"]
        let name = try command.required()
        // As kubectl does: a bare name is looked up in PATH, what has a slash begins at the file.
        self.command = name.utf8.contains(UInt8(ascii: "/")) ? command.resolved(name) : name
        place = "\(command.file): \(command.path)"
        var arguments: [String] = []
        // An empty argument is one.
        for element in try program["args"].elements() { arguments.append(try element.text() ?? "") }
        self.arguments = arguments
        var environment: [String: String] = [:]
        for element in try program["env"].elements() {
            let name = try element["name"]
            let text = try name.required()
            guard !text.utf8.contains(where: { $0 == UInt8(ascii: "=") || $0 == 0 }) else {
                throw name.wrong("it is no name of a variable")
            }
            environment[text] = try element["value"].text() ?? ""
        }
        self.environment = environment
        installHint = try program["installHint"].text() ?? ""
        execInfo = try ExecInfo(
            apiVersion: apiVersion,
            cluster: try program["provideClusterInfo"].flag() ? cluster : nil
        )
        .json(program)
    }
}
