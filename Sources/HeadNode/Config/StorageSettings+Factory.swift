// SPDX-License-Identifier: Apache-2.0

import S3Client
import Staging

extension StorageSettings {
    /// Makes stores that speak to the bucket with the credentials that these settings mean.
    func factory() throws(S3Error) -> StoreFactory { try StoreFactory(location, profile: profile) }
}
