# SPDX-License-Identifier: Apache-2.0
"""Rules as administrators have them, for Galaxy's runner `dynamic`."""
