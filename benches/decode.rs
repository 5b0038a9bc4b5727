//! Decoding a page of 500 pods.

mod page;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sev1::sources::pods_of_page;

fn decode(criterion: &mut Criterion) {
    let body = page::body();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(body.len() as u64)).sample_size(30);
    group.bench_function("a page of 500 pods", |bencher| {
        bencher.iter(|| {
            let pods = pods_of_page(black_box(&body)).unwrap_or_default();
            assert_eq!(pods.len(), page::PODS);
            pods
        });
    });
    group.finish();
}

criterion_group! {
    name = decoding;
    config = Criterion::default().without_plots();
    targets = decode
}
criterion_main!(decoding);
