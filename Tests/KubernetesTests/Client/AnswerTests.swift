// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing
import Transport

@testable import Kubernetes

/// What becomes of each answer. "No answer", 404, an empty list, 5xx and 410 are five different things.
@Suite struct AnswerTests {
    private func createError(
        _ replies: ScriptedTransport.Reply...
    ) async throws -> KubernetesError {
        let cluster = StubCluster { replies[min($0.number, replies.count) - 1] }
        let client = try cluster.client(retry: .once)
        return try #require(
            await error { try await client.createJob(Array(#"{"metadata":{"name":"a"}}"#.utf8)) }
        )
    }

    @Test(arguments: Recording.versions)
    func `A refusal of a manifest names every field`(version: String) async throws {
        let body = try Recording.bytes(version, "create-422.json")
        let error = try await createError(.answer(status: 422, body: body))
        #expect(error.code == .invalid)
        #expect(error.what.contains("spec.template.spec.containers[0].image: Required value"))
        #expect(error.what.contains("spec.template.spec.restartPolicy: Required value"))
        #expect(error.place.contains(#"create jobs "a" in namespace "galaxy" at https://k:6443"#))
        #expect(!error.isRetryable && !error.isAmbiguous)
    }

    @Test(arguments: Recording.versions)
    func `A Job of that name is not hidden`(version: String) async throws {
        let body = try Recording.bytes(version, "create-409.json")
        let error = try await createError(.answer(status: 409, body: body))
        #expect(error.code == .alreadyExists)
        #expect(!error.isAmbiguous)
    }

    @Test(arguments: Recording.versions)
    func `A Job that is not there is no error`(version: String) async throws {
        let body = try Recording.bytes(version, "get-404.json")
        let cluster = StubCluster(.answer(status: 404, body: body))
        #expect(try await cluster.client().job("none") == nil)
        #expect(cluster.asked == ["GET /apis/batch/v1/namespaces/galaxy/jobs/none"])
    }

    /// F23: adopt it, or wait until it has gone; these are not the same.
    @Test func `A Job that is being deleted`() async throws {
        let error = try await createError(
            .status(
                409,
                "AlreadyExists",
                #"object is being deleted: jobs.batch "a" already exists"#
            )
        )
        #expect(error.code == .beingDeleted)
        #expect(error.isRetryable)
    }

    /// F25.
    @Test func `A quota that is used up`() async throws {
        let error = try await createError(
            .status(
                403,
                "Forbidden",
                #"jobs.batch "a" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=5, limited: count/jobs.batch=5"#
            )
        )
        #expect(error.code == .quota)
        #expect(error.isRetryable)
        #expect(error.what.contains("exceeded quota: q"))
    }

    /// F25.
    @Test func `A right that is missing names the rule to add`() async throws {
        let error = try await createError(
            .status(
                403,
                "Forbidden",
                #"jobs.batch is forbidden: User "u" cannot create resource "jobs" in API group "batch" in the namespace "galaxy""#
            )
        )
        #expect(error.code == .forbidden)
        #expect(!error.isRetryable)
        #expect(
            error.remedy
                == #"Add to the Role of this user in namespace galaxy: apiGroups ["batch"], resources ["jobs"], verbs ["create"]."#
        )
    }

    @Test func `An admission rule is not taken for a missing right`() async throws {
        let error = try await createError(
            .status(403, "Forbidden", #"pods "a" is forbidden: violates PodSecurity "baseline""#)
        )
        #expect(error.code == .forbidden)
        #expect(!error.remedy.contains("Role"))
    }

    @Test func `A namespace that does not exist is not an absent Job`() async throws {
        let error = try await createError(
            .status(
                404,
                "NotFound",
                #"namespaces "galaxy" not found"#,
                details: #"{"name":"galaxy","kind":"namespaces"}"#
            )
        )
        #expect(error.code == .notFound)
        #expect(error.what == #"There is no namespace "galaxy""#)
    }

    @Test(arguments: [
        ScriptedTransport.Reply.json("404 page not found\n", status: 404),
        .status(404, "NotFound", "the server could not find the requested resource"),
        .status(
            404,
            "NotFound",
            #"jobs.batch "b" not found"#,
            details: #"{"name":"b","kind":"jobs"}"#
        ),
        .status(
            404,
            "NotFound",
            #"namespaces "a" not found"#,
            details: #"{"name":"a","kind":"namespaces"}"#
        ),
        .json("<html>log in</html>", status: 404),
    ])
    func `Any other 404 is not an absent Job`(reply: ScriptedTransport.Reply) async throws {
        let client = try StubCluster(reply).client()
        let error = await error { try await client.job("a") }
        #expect(error?.code == .notFound)
    }

    @Test(arguments: [
        (400, KubernetesError.Code.invalid), (401, .unauthenticated), (403, .forbidden),
        (404, .notFound), (405, .invalid), (406, .invalid), (408, .unavailable), (409, .conflict),
        (410, .expired), (415, .invalid), (429, .busy), (500, .unavailable), (502, .unavailable),
        (503, .unavailable), (504, .unavailable), (302, .badAnswer), (307, .badAnswer),
    ])
    func `Every status without words`(status: Int, code: KubernetesError.Code) async throws {
        let client = try StubCluster(.json("", status: status)).client(retry: .once)
        let error = await error { try await client.jobs(.everything) }
        #expect(error?.code == code)
    }

    @Test(arguments: [
        (TransportError.Code.unresolved, KubernetesError.Code.unreachable),
        (.unreachable, .unreachable), (.interrupted, .unreachable), (.truncated, .unreachable),
        (.untrusted, .untrusted), (.noTLS, .configuration), (.proxy, .unreachable),
        (.usage, .configuration), (.cancelled, .cancelled),
    ])
    func `Every way to get no answer`(
        failure: TransportError.Code,
        code: KubernetesError.Code
    ) async throws {
        let client = try StubCluster(.failure(failure)).client(retry: .once)
        let error = await error { try await client.job("a") }
        #expect(error?.code == code)
        #expect(error?.isAmbiguous == false, "reading changes nothing")
        let creating = try await createError(.failure(failure))
        #expect(
            creating.isAmbiguous
                == (failure == .interrupted || failure == .truncated || failure == .cancelled)
        )
    }

    /// F24: the Job can be there all the same.
    @Test(arguments: [
        ScriptedTransport.Reply.status(500, "InternalError", "etcdserver: leader changed"),
        .status(504, "Timeout", "request did not complete within requested timeout"),
        .json("not JSON", status: 201),
    ])
    func `Trouble of the server's leaves a creation open`(
        reply: ScriptedTransport.Reply
    ) async throws {
        let error = try await createError(reply)
        #expect(error.isAmbiguous)
    }

    @Test func `A redirect is not followed and not believed`() async throws {
        let cluster = StubCluster(
            .answer(status: 302, fields: [HTTPField("location", "https://login.example/")])
        )
        let client = try cluster.client()
        let error = await error { try await client.job("a") }
        #expect(error?.code == .badAnswer)
        #expect(cluster.transport.requests.count == 1)
    }

    @Test func `What the server says cannot forge lines of a log`() async throws {
        let error = try await createError(.status(400, "BadRequest", #"a\nb\u202Ec"#))
        #expect(!error.line.contains("\n") && !error.line.unicodeScalars.contains("\u{202E}"))
    }

    /// Invariant 8: no secret in an error.
    @Test func `The token goes into its field and nowhere else`() async throws {
        let cluster = StubCluster(.status(401, "Unauthorized", "Unauthorized"))
        let client = try cluster.client()
        let error = await error { try await client.job("a") }
        #expect(cluster.transport.requests.first?.field("authorization") == "Bearer s3cret")
        #expect(cluster.transport.requests.allSatisfy { !$0.request.url.contains("s3cret") })
        #expect(error?.tree.contains("s3cret") == false)
        var dumped = ""
        dump(client, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }
}
