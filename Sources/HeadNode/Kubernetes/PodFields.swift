// SPDX-License-Identifier: Apache-2.0

import Kubernetes

/// The parts of a pod that an administrator may write, field by field as Kubernetes 1.20 has them.
enum PodFields {
    typealias Grammar = KubernetesGrammar

    static let nodeSelector = FieldRule.map(Grammar.labelKey, Grammar.labelValue)

    static let affinity = FieldRule.fields([
        FieldRule.Field(name: "nodeAffinity", rule: nodeAffinity),
        FieldRule.Field(name: "podAffinity", rule: podAffinity),
        FieldRule.Field(name: "podAntiAffinity", rule: podAffinity),
    ])

    static let tolerations = FieldRule.list(
        of: .checked(
            .fields([
                FieldRule.Field(name: "key", rule: .text(Grammar.labelKey)),
                FieldRule.Field(
                    name: "operator",
                    rule: .text(TextRule(words: ["Equal", "Exists"]))
                ),
                FieldRule.Field(name: "value", rule: .text(Grammar.labelValue)),
                FieldRule.Field(
                    name: "effect",
                    rule: .text(
                        TextRule(words: ["NoSchedule", "PreferNoSchedule", "NoExecute"])
                    )
                ),
                FieldRule.Field(name: "tolerationSeconds", rule: .integer(0...Int64(Int32.max))),
            ]),
            problemOfToleration
        )
    )

    static let metadata = FieldRule.fields([
        FieldRule.Field(
            name: "labels",
            rule: .checked(.map(Grammar.labelKey, Grammar.labelValue), problemOfLabels)
        ),
        FieldRule.Field(
            name: "annotations",
            rule: .checked(.map(Grammar.labelKey, Grammar.text), problemOfAnnotations)
        ),
    ])

    static let environment = FieldRule.checked(
        .map(Grammar.environmentName, Grammar.text),
        { value in names(of: value).lazy.compactMap(VariableNames.problem).first }
    )

    // MARK: Affinity

    private static let nodeAffinity = FieldRule.fields([
        FieldRule.Field(
            name: "requiredDuringSchedulingIgnoredDuringExecution",
            rule: .fields([
                FieldRule.Field(
                    name: "nodeSelectorTerms",
                    rule: .list(of: nodeTerm, atLeast: 1),
                    isRequired: true
                )
            ])
        ),
        FieldRule.Field(
            name: "preferredDuringSchedulingIgnoredDuringExecution",
            rule: .list(
                of: .fields([
                    FieldRule.Field(name: "weight", rule: .integer(1...100), isRequired: true),
                    FieldRule.Field(name: "preference", rule: nodeTerm, isRequired: true),
                ])
            )
        ),
    ])

    private static let nodeTerm = FieldRule.fields([
        FieldRule.Field(
            name: "matchExpressions",
            rule: .list(
                of: requirement(
                    Grammar.labelKey,
                    ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
                )
            )
        ),
        FieldRule.Field(
            name: "matchFields",
            rule: .list(of: requirement(TextRule(words: ["metadata.name"]), ["In", "NotIn"]))
        ),
    ])

    private static let podAffinity = FieldRule.fields([
        FieldRule.Field(
            name: "requiredDuringSchedulingIgnoredDuringExecution",
            rule: .list(of: podTerm)
        ),
        FieldRule.Field(
            name: "preferredDuringSchedulingIgnoredDuringExecution",
            rule: .list(
                of: .fields([
                    FieldRule.Field(name: "weight", rule: .integer(1...100), isRequired: true),
                    FieldRule.Field(name: "podAffinityTerm", rule: podTerm, isRequired: true),
                ])
            )
        ),
    ])

    private static let podTerm = FieldRule.fields([
        FieldRule.Field(
            name: "labelSelector",
            rule: .fields([
                FieldRule.Field(
                    name: "matchLabels",
                    rule: .map(Grammar.labelKey, Grammar.labelValue)
                ),
                FieldRule.Field(
                    name: "matchExpressions",
                    rule: .list(
                        of: requirement(
                            Grammar.labelKey,
                            ["In", "NotIn", "Exists", "DoesNotExist"]
                        )
                    )
                ),
            ])
        ),
        FieldRule.Field(name: "namespaces", rule: .list(of: .text(Grammar.label))),
        FieldRule.Field(name: "topologyKey", rule: .text(Grammar.labelKey), isRequired: true),
    ])

    private static func requirement(
        _ key: TextRule,
        _ operators: [String]
    ) -> FieldRule {
        .checked(
            .fields([
                FieldRule.Field(name: "key", rule: .text(key), isRequired: true),
                FieldRule.Field(
                    name: "operator",
                    rule: .text(TextRule(words: operators)),
                    isRequired: true
                ),
                FieldRule.Field(name: "values", rule: .list(of: .text(Grammar.labelValue))),
            ]),
            problemOfRequirement
        )
    }

    private static let problemOfRequirement: @Sendable (ManifestValue) -> BadValue? = { value in
        let values = value["values"]?.list ?? []
        switch value["operator"]?.text {
        case "In", "NotIn":
            return values.isEmpty
                ? BadValue(why: "values is missing", remedy: "Write at least one value.") : nil
        case "Gt", "Lt":
            return values.count == 1 && Int64(values[0].text ?? "") != nil
                ? nil
                : BadValue(
                    why: "Gt and Lt compare with one whole number",
                    remedy: "Write it in quotes in values."
                )
        default:
            return values.isEmpty
                ? nil
                : BadValue(why: "Exists and DoesNotExist take no values", remedy: "Delete values.")
        }
    }

    // MARK: What must hold between fields

    private static let problemOfToleration: @Sendable (ManifestValue) -> BadValue? = { value in
        let exists = value["operator"]?.text == "Exists"
        if exists, let text = value["value"]?.text, !text.isEmpty {
            return BadValue(why: "Exists takes no value", remedy: "Delete value.")
        }
        if value["key"] == nil, !exists {
            return BadValue(why: "key is missing", remedy: "Write it, or the operator Exists.")
        }
        if value["tolerationSeconds"] != nil, value["effect"]?.text != "NoExecute" {
            return BadValue(
                why: "tolerationSeconds goes with the effect NoExecute only",
                remedy: "Write effect: NoExecute, or delete tolerationSeconds."
            )
        }
        return nil
    }

    private static let problemOfLabels: @Sendable (ManifestValue) -> BadValue? = { value in
        let ours = ["app.kubernetes.io/", "app.galaxyproject.org/", "\(JobLabels.manager)/"]
        let servers = ["batch.kubernetes.io/", "job-name", "controller-uid"]
        return refuse(names(of: value), ours, "is set by galaxy-head-node")
            ?? refuse(names(of: value), servers, "is set by Kubernetes")
    }

    private static let problemOfAnnotations: @Sendable (ManifestValue) -> BadValue? = { value in
        let ours = ["app.galaxyproject.org/", "\(JobLabels.manager)/"]
        // Before they became fields, these said how a pod is confined.
        let powers = [
            "container.apparmor.security.beta.kubernetes.io/",
            "seccomp.security.alpha.kubernetes.io/",
            "container.seccomp.security.alpha.kubernetes.io/",
            "security.alpha.kubernetes.io/",
        ]
        return refuse(names(of: value), ours, "is set by galaxy-head-node")
            ?? refuse(names(of: value), powers, "would change how a pod is confined")
    }

    private static func refuse(
        _ names: [String],
        _ starts: [String],
        _ why: String
    ) -> BadValue? {
        guard
            let name = names.first(where: { name in
                starts.contains { name.utf8.starts(with: $0.utf8) }
            })
        else { return nil }
        return BadValue(why: "\(ConfigValues.shown(name)) \(why)", remedy: "Delete it.")
    }

    private static func names(of value: ManifestValue) -> [String] {
        guard case .fields(let fields) = value else { return [] }
        return fields.keys.sorted()
    }
}
