// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The CA that the seeds of the ACME targets speak of, and for which names.
 */
#pragma once

#define FUZZ_DIRECTORY_URL "https://ca.example:14000/dir"
#define FUZZ_SITE (&(const HerdSite){ FUZZ_DIRECTORY_URL, NULL })
#define FUZZ_NOW G_GINT64_CONSTANT (1767225600) /* 2026-01-01 */

static const char *const fuzz_identifiers[] = { "*.example.org", "192.0.2.1",       "2001:db8::1",
                                                "example.org",   "www.example.org", NULL };
