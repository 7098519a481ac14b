// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A Pebble of a test's own (tests/lib/pebble.py), which ends with the test, however that ends.
 */
#pragma once

#include "test-rig.h"

G_BEGIN_DECLS

typedef struct TestPebble TestPebble;

/* KNOBS: options of pebble.py, space between, or NULL. */
TestPebble *test_pebble_new (const char *knobs);
void test_pebble_free (TestPebble *pebble);

/* A directory for the test's own files, removed with it. */
const char *test_pebble_get_directory (TestPebble *pebble);
/* What pebble.py printed, by key; never NULL. */
const char *test_pebble_get (TestPebble *pebble, const char *key);
/* The PEM of its TLS CA. */
const char *test_pebble_get_trust (TestPebble *pebble);

/* How many requests METHOD ("POST", …) ENDPOINT-prefix ("/order-plz") it has seen; NULL: any. */
guint test_pebble_count (TestPebble *pebble, const char *method, const char *endpoint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestPebble, test_pebble_free)

G_END_DECLS
