// SPDX-License-Identifier: Apache-2.0

/// The two forms in which Galaxy reads its job configuration, and how one writes in each.
enum JobConfigForm {
    case yaml
    case xml

    /// Galaxy decides by the file's name, wherever in it that is.
    init(ofFile name: String) {
        self = Array(name.utf8).contains(Array(".xml".utf8)) ? .xml : .yaml
    }

    /// The file's usual name.
    var fileName: String {
        switch self {
        case .yaml: "job_conf.yml"
        case .xml: "job_conf.xml"
        }
    }

    /// What it calls an environment.
    var environment: String {
        switch self {
        case .yaml: "environment"
        case .xml: "destination"
        }
    }

    func parameter(
        _ name: String,
        _ value: String
    ) -> String {
        switch self {
        case .yaml: "`\(name): \(value)`"
        case .xml: "`<param id=\"\(name)\">\(value)</param>`"
        }
    }

    /// A rule for all tools of a class.
    func tools(ofClass name: String) -> String {
        switch self {
        case .yaml: "`{class: \(name), environment: …}`"
        case .xml: "`<tool class=\"\(name)\" destination=\"…\"/>`"
        }
    }
}
