//! The simulated Elasticsearch.
