// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import Testing

@testable import S3Client

@Suite struct S3AnswerTests {
    private func list(_ inside: String) throws(AttemptFailure) -> ListPage {
        try ListPage(Array("<ListBucketResult>\(inside)</ListBucketResult>".utf8))
    }

    private func isUnreadable(_ work: () throws(AttemptFailure) -> some Any) -> Bool {
        do throws(AttemptFailure) {
            _ = try work()
            return false
        } catch {
            if case .unreadable = error { return true }
            return false
        }
    }

    @Test func `keys are decoded only when the answer says that they are encoded`() throws {
        let entry = "<Contents><Key>a%2Bb+c%25</Key><Size>1</Size></Contents>"
        let encoded = try list("<EncodingType>url</EncodingType>" + entry)
        #expect(encoded.entries.map(\.key) == [try ObjectKey("a+b c%")])
        let plain = try list(entry)
        #expect(plain.entries.map(\.key) == [try ObjectKey("a%2Bb+c%25")])
    }

    @Test func `a page of uploads has all its parts`() throws {
        let page = try UploadPage(
            Array(
                ("<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
                    + "<IsTruncated>true</IsTruncated><NextKeyMarker>a%2Bb</NextKeyMarker>"
                    + "<NextUploadIdMarker>u&amp;1</NextUploadIdMarker>"
                    + "<Upload><Key>a%2Bb</Key><UploadId>u&amp;1</UploadId>"
                    + "<Initiated>2013-05-24T00:00:00.000Z</Initiated></Upload>"
                    + "</ListMultipartUploadsResult>")
                    .utf8
            )
        )
        let upload = OpenUpload(
            key: try ObjectKey("a+b"),
            id: UploadID("u&1"),
            begun: 1_369_353_600
        )
        #expect(page.uploads == [upload])
        #expect(page.next == UploadPage.Marker(key: Array("a+b".utf8), upload: "u&1"))
    }

    @Test(arguments: [
        "<Upload><Key>k</Key></Upload>", "<Upload><UploadId>u</UploadId></Upload>",
        "<Upload><Key>k</Key><UploadId/></Upload>", "<IsTruncated>true</IsTruncated>",
    ])
    func `pages of uploads that cannot be trusted`(inside: String) {
        let text = "<ListMultipartUploadsResult>\(inside)</ListMultipartUploadsResult>"
        #expect(isUnreadable { () throws(AttemptFailure) in try UploadPage(Array(text.utf8)) })
    }

    @Test func `an entry has all its parts`() throws {
        let page = try list(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>"
                + "<Contents><Key>k</Key><Size>5368709121</Size><ETag>&quot;e-2&quot;</ETag>"
                + "<LastModified>2013-05-24T00:00:00.000Z</LastModified></Contents>"
                + "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>"
        )
        let entry = ListPage.Entry(
            key: try ObjectKey("k"),
            size: 5_368_709_121,
            eTag: ETag("\"e-2\""),
            lastModified: 1_369_353_600
        )
        #expect(page.entries == [entry])
        #expect(page.commonPrefixes == [Array("p/".utf8)])
        #expect(page.nextToken == "t&1")
    }

    @Test(arguments: [
        "<Contents><Size>1</Size></Contents>", "<Contents><Key></Key><Size>1</Size></Contents>",
        "<Contents><Key>k</Key></Contents>", "<Contents><Key>k</Key><Size>-1</Size></Contents>",
        "<Contents><Key>k</Key><Size>x</Size></Contents>",
        "<Contents><Key>k</Key><Size>99999999999999999999</Size></Contents>",
        "<EncodingType>url</EncodingType><Contents><Key>%4</Key><Size>1</Size></Contents>",
        "<EncodingType>url</EncodingType><Contents><Key>%00</Key><Size>1</Size></Contents>",
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>true</IsTruncated><NextContinuationToken/>", "<CommonPrefixes/>",
    ])
    func `listings that cannot be trusted`(inside: String) {
        #expect(isUnreadable { () throws(AttemptFailure) in try list(inside) })
    }

    @Test func `roots of other answers`() {
        let other = Array("<Other><UploadId>u</UploadId><ETag>e</ETag></Other>".utf8)
        #expect(isUnreadable { () throws(AttemptFailure) in try UploadID(createAnswer: other) })
        #expect(isUnreadable { () throws(AttemptFailure) in try PutReceipt(completeAnswer: other) })
        #expect(isUnreadable { () throws(AttemptFailure) in try ETag(copyAnswer: other) })
        #expect(isUnreadable { () throws(AttemptFailure) in try ETag(copyPartAnswer: other) })
        #expect(isUnreadable { () throws(AttemptFailure) in try DeleteAnswer(other) })
        #expect(isUnreadable { () throws(AttemptFailure) in try ListPage(other) })
        let empty = Array("<CopyObjectResult/>".utf8)
        #expect(isUnreadable { () throws(AttemptFailure) in try ETag(copyAnswer: empty) })
    }

    @Test func `the checksum of a whole object is taken, and no other`() throws {
        let sum = CRC64NVME(of: [1, 2, 3])
        let answers: [(String, CRC64NVME?)] = [
            ("<ChecksumCRC64NVME>\(sum.base64)</ChecksumCRC64NVME>", sum),
            (
                "<ChecksumType>COMPOSITE</ChecksumType>"
                    + "<ChecksumCRC64NVME>\(sum.base64)</ChecksumCRC64NVME>", nil
            ),
            ("<ChecksumCRC64NVME>?</ChecksumCRC64NVME>", nil), ("", nil),
        ]
        for (said, known) in answers {
            let answer =
                "<CompleteMultipartUploadResult><ETag>\"e\"</ETag>\(said)"
                + "</CompleteMultipartUploadResult>"
            let receipt = try PutReceipt(completeAnswer: Array(answer.utf8))
            #expect(receipt == PutReceipt(eTag: ETag("\"e\""), checksum: known))
        }
    }

    @Test func `an error inside a success is told apart`() {
        do throws(AttemptFailure) {
            _ = try PutReceipt(
                completeAnswer: Array("<Error><Code>InternalError</Code></Error>".utf8)
            )
            Issue.record("no error")
        } catch {
            guard case .errorInSuccess(let document) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(document.code == "InternalError")
        }
    }
}
