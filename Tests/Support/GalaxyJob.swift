// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A small job as Galaxy leaves it to a runner: a job directory with scripts in Galaxy's shape, two
/// input datasets, one with extra files, and the description for the head node.
///
/// Sizes are such that both packs and single objects occur.
package struct GalaxyJob: Sendable {
    /// What the test owns: everything of this job is below it.
    package let folder: String
    package let id: String
    /// The tool's image, for executors that need one.
    package let image: String?
    /// The shell that the image has.
    package let shell: String

    package var directory: String { "\(folder)/galaxy/jobs/\(id)" }
    package var working: String { "\(directory)/working" }
    package var outputs: String { "\(directory)/outputs" }
    package var exitCodeFile: String { "\(directory)/galaxy_\(id).ec" }
    package var objects: String { "\(folder)/galaxy/objects" }
    /// 300 KiB, so it travels as an object of its own.
    package var largeInput: String { "\(objects)/dataset_1.dat" }
    /// A few bytes, with extra files in `dataset_2_files`.
    package var smallInput: String { "\(objects)/dataset_2.dat" }
    package var extraFiles: String { "\(objects)/dataset_2_files" }
    package var output: String { "\(outputs)/dataset_3.dat" }
    package var outputExtraFiles: String { "\(outputs)/dataset_3_files" }
    package var description: String { "\(folder)/job.json" }

    /// Makes the job.
    ///
    /// - Parameters:
    ///   - tool: the tool's command: bash, run in the working directory. `$JOB`, `$IN1`, `$IN2`,
    ///     `$OUT` and `$OUT_FILES` name the job's paths.
    ///   - image: the tool's image.
    ///   - shell: what runs the script and the tool, where that is not bash.
    ///   - extraFiles: bash that fills the extra files' directory, which it runs in.
    package init(
        id: String = "1",
        folder: String,
        tool: String,
        image: String? = nil,
        shell: String = "/bin/bash",
        extraFiles: String = "echo extra > notes.txt"
    ) throws {
        self.folder = folder
        self.id = id
        self.image = image
        self.shell = shell
        try Shell.run("mkdir -p \(working) \(outputs) \(directory)/configs \(self.extraFiles)")
        try Shell.run("head -c 307200 /dev/urandom > \(largeInput); echo small > \(smallInput)")
        try Shell.run("cd \(self.extraFiles)\n\(extraFiles)")
        try Shell.run(": > \(output); : > \(directory)/galaxy_\(id).o")
        try Shell.run("echo 'preset = sensitive' > \(directory)/configs/settings")
        let paths = """
            export LC_ALL=C JOB=\(directory) IN1=\(largeInput) IN2=\(smallInput)
            export OUT=\(output) OUT_FILES=\(outputExtraFiles)

            """
        try ChildProcess.write(Array((paths + tool + "\n").utf8), to: "\(directory)/tool_script.sh")
        try ChildProcess.write(Array(galaxyScript.utf8), to: "\(directory)/galaxy_\(id).sh")
        try write(description: json)
    }

    /// Replaces the job description.
    package func write(description text: String) throws {
        try ChildProcess.write(Array(text.utf8), to: description)
    }

    /// What the head node is told of the job.
    package var json: String {
        """
        {"version": 1, "galaxy_id": "\(id)", "tool_id": "test",
         "image": \(image.map { "\"\($0)\"" } ?? "null"),
         "job_directory": "\(directory)", "working_directory": "\(directory)",
         "command": ["\(shell)", "\(directory)/galaxy_\(id).sh"],
         "environment": {"GALAXY_SLOTS": "2"},
         "inputs": [
           {"path": "\(largeInput)"},
           {"path": "\(smallInput)", "extra_files": "\(extraFiles)", "metadata_files": []}],
         "tool_files": [], "reference_data": [],
         "outputs": [{"name": "out", "path": "\(output)",
                      "extra_files": "\(outputExtraFiles)"}],
         "exit_code_file": "\(exitCodeFile)",
         "stdout": "\(outputs)/tool_stdout", "stderr": "\(outputs)/tool_stderr",
         "job_stdout": "\(directory)/galaxy_\(id).o", "job_stderr": "\(directory)/galaxy_\(id).e"}
        """
    }

    private var galaxyScript: String {
        """
        #!\(shell)
        export HOME="\(directory)/home" TMPDIR="\(directory)/tmp"
        mkdir -p "$HOME" "$TMPDIR"
        for folder in working outputs configs; do
            mkdir -p "\(directory)/$folder"
            if [ -d "\(directory)/_$folder" ]; then
                rm -rf "\(directory)/$folder" && cp -R "\(directory)/_$folder" "\(directory)/$folder"
            else
                cp -R "\(directory)/$folder" "\(directory)/_$folder"
            fi
        done
        cd "\(directory)"
        echo "$GALAXY_SLOTS" > __instrument_core_galaxy_slots
        cd working; \(shell) "\(directory)/tool_script.sh" > '../outputs/tool_stdout' \
        2> '../outputs/tool_stderr'; return_code=$?; echo $return_code > "\(exitCodeFile)";
        cd "\(directory)"; sh -c "exit $return_code"

        """
    }
}

/// Runs bash to its end, for what a test prepares or looks up.
package enum Shell {
    /// - Throws: what it said, when its status is not 0.
    @discardableResult
    package static func run(_ script: String) throws -> String {
        let output = try TemporaryPath()
        let words = ["/bin/bash", "-c", "set -e; exec 2>&1\n" + script]
        let status = try ChildProcess.run(words, input: "/dev/null", output: output.path)
        let text = String(decoding: try ChildProcess.contents(of: output.path), as: UTF8.self)
        guard status == 0 else {
            throw ChildProcess.Failure(description: "status \(status) of \(script): \(text)")
        }
        return text
    }

    /// The file's text; empty when it is not there.
    package static func text(_ path: String) -> String {
        String(decoding: (try? ChildProcess.contents(of: path)) ?? [], as: UTF8.self)
    }
}

/// A name in /tmp that nobody else has, gone when the value is.
private final class TemporaryPath {
    let path: String

    init() throws {
        var template = Array("/tmp/galaxy-s3-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw ChildProcess.Failure(description: "mkstemp: \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { unlink(path) }
}
