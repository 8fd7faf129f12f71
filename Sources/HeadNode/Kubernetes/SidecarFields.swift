// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Names

/// What an administrator may say of a container beside the tool's. No volume, no identity, no
/// power: what is not here cannot be written.
enum SidecarFields {
    static let rule = FieldRule.list(
        of: .fields([
            FieldRule.Field(name: "name", rule: .text(KubernetesGrammar.label), isRequired: true),
            FieldRule.Field(name: "image", rule: .text(KubernetesGrammar.text), isRequired: true),
            FieldRule.Field(name: "command", rule: .list(of: .text(KubernetesGrammar.text))),
            FieldRule.Field(name: "args", rule: .list(of: .text(KubernetesGrammar.text))),
            FieldRule.Field(name: "workingDir", rule: .text(absolutePath)),
            FieldRule.Field(name: "env", rule: .list(of: variable)),
            FieldRule.Field(name: "ports", rule: .list(of: port)),
            FieldRule.Field(
                name: "resources",
                rule: .fields([
                    FieldRule.Field(name: "requests", rule: amounts),
                    FieldRule.Field(name: "limits", rule: amounts),
                ])
            ),
        ])
    )

    private static let absolutePath = TextRule(
        "an absolute path",
        isValid: { (try? FilePath($0)) != nil }
    )

    private static let variable = FieldRule.checked(
        .fields([
            FieldRule.Field(
                name: "name",
                rule: .text(KubernetesGrammar.environmentName),
                isRequired: true
            ),
            FieldRule.Field(name: "value", rule: .text(KubernetesGrammar.text), isRequired: true),
        ]),
        { $0["name"]?.text.flatMap(VariableNames.problem) }
    )

    private static let port = FieldRule.fields([
        FieldRule.Field(name: "containerPort", rule: .integer(1...65_535), isRequired: true),
        FieldRule.Field(
            name: "name",
            rule: .text(
                TextRule(
                    "1 to 15 lower-case letters, digits and hyphens, a letter among them",
                    isValid: { bytes in
                        bytes.count <= 15 && KubernetesGrammar.isLabel(bytes[...])
                            && bytes.contains(where: ASCII.isLower)
                    }
                )
            )
        ),
        FieldRule.Field(name: "protocol", rule: .text(TextRule(words: ["TCP", "UDP", "SCTP"]))),
    ])

    private static let amounts = FieldRule.fields([
        FieldRule.Field(name: "cpu", rule: .scalar(KubernetesGrammar.text)),
        FieldRule.Field(name: "memory", rule: .scalar(KubernetesGrammar.text)),
        FieldRule.Field(name: "ephemeral-storage", rule: .scalar(KubernetesGrammar.text)),
    ])

    /// The containers that a checked list describes.
    static func sidecars(_ list: ManifestValue) throws(BadValue) -> [Sidecar] {
        var sidecars: [Sidecar] = []
        for (index, value) in (list.list ?? []).enumerated() {
            let place = "[\(index)]"
            let sidecar: Sidecar
            do throws(BadValue) {
                sidecar = try Self.sidecar(value)
            } catch {
                throw error.at(place)
            }
            let taken = ContainerPlan.ownNames + sidecars.map(\.name)
            guard !taken.contains(sidecar.name) else {
                throw BadValue(
                    why: "a container \(sidecar.name) is there already",
                    remedy: "Write another name."
                )
                .at("\(place).name")
            }
            sidecars.append(sidecar)
        }
        return sidecars
    }

    private static func sidecar(_ value: ManifestValue) throws(BadValue) -> Sidecar {
        func texts(_ name: String) -> [String]? { value[name]?.list?.compactMap(\.text) }
        let resources = value["resources"]
        let requests = try amounts(resources?["requests"], "resources.requests")
        let limits = try amounts(resources?["limits"], "resources.limits")
        if let excess = ToolResources(requests: requests, limits: limits).excess {
            throw excess.problem.at("resources")
        }
        return Sidecar(
            name: value["name"]?.text ?? "",
            image: try ImageReference(value["image"]?.text ?? ""),
            command: texts("command"),
            args: texts("args"),
            workingDirectory: value["workingDir"]?.text,
            environment: (value["env"]?.list ?? [])
                .map { NamedText(name: $0["name"]?.text ?? "", value: $0["value"]?.text ?? "") },
            ports: (value["ports"]?.list ?? [])
                .map { port in
                    ContainerPort(
                        containerPort: Int(port["containerPort"]?.integer ?? 0),
                        name: port["name"]?.text,
                        protocol: port["protocol"]?.text
                    )
                },
            requests: requests,
            limits: limits
        )
    }

    private static func amounts(
        _ value: ManifestValue?,
        _ place: String
    ) throws(BadValue) -> ToolResources.Amounts {
        do throws(BadValue) {
            return ToolResources.Amounts(
                cpu: try value?["cpu"]?.text.map(ResourceText.cpu),
                memory: try value?["memory"]?.text.map(ResourceText.memory),
                ephemeralStorage: try value?["ephemeral-storage"]?.text.map(ResourceText.memory)
            )
        } catch {
            throw error.at(place)
        }
    }
}
