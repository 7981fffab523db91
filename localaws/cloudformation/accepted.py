"""Types that are accepted without effect, each with the reason."""

WITHOUT_EFFECT = {
    "AWS::CDK::Metadata": "describes the template and makes nothing",
    "AWS::S3::BucketPolicy": "moto ignores conditions: the statement that denies plain HTTP would deny everything",
    "AWS::SQS::QueuePolicy": "moto ignores conditions, as for buckets; no request is refused here",
    "AWS::SNS::TopicPolicy": "moto ignores conditions, as for buckets; no request is refused here",
    "AWS::EC2::SecurityGroupEgress": "there is no network; localaws.network simulates the VPC's routes",
}
